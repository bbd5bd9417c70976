"""Estimate workbook, SOW and cost sheet, from answers and catalogue; from the same things the same bytes."""
