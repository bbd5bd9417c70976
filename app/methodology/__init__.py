"""The methodology is data: one YAML file holds what people may change about the process; this room reads it."""

from app.methodology.load import MethodologyFaults, dump_methodology, load_methodology
from app.methodology.model import Methodology

__all__ = ["Methodology", "MethodologyFaults", "dump_methodology", "load_methodology"]
