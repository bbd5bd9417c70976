"""What people see in a browser: the pipeline, an engagement, reports, deliveries, the process. Rendered here, read-only
for most.
"""

from app.pages.house import House
from app.pages.site import page_routes

__all__ = ["House", "page_routes"]
