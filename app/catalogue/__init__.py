"""The activity catalogue is data: one YAML file holds activities, their hours, rates and terms; this room reads it."""

from app.catalogue.load import load_catalogue
from app.catalogue.model import Catalogue

__all__ = ["Catalogue", "load_catalogue"]
