"""What `flask doctor` looks at: whether host, database and catalogue are fit to serve."""

from products_service.doctor.examination import CHECKS, examine
from products_service.doctor.findings import Finding, Status
from products_service.doctor.installation import Expected

__all__ = ["CHECKS", "Expected", "Finding", "Status", "examine"]
