"""The methodology is data: one YAML file holds what people may change about the process; this room reads it."""

from app.methodology.load import dump_methodology, load_methodology
from app.methodology.model import Methodology

__all__ = ["Methodology", "dump_methodology", "load_methodology"]
