"""What leaders ask of the pipeline. Pure: from what the database lists to tables, which pages draw."""

from app.reports import figures as _figures  # importing it registers every report
from app.reports.material import Material, scoping_track
from app.reports.report import Bars, Cell, Report, made, names

__all__ = ["Bars", "Cell", "Material", "Report", "made", "names", "scoping_track"]

del _figures
