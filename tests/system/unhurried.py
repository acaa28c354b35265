"""The service where who asks for the counts waits for a file of them for as long as a test does."""

from products_service import create_app
from products_service.ops import multiprocess

application = create_app()
# seconds; a limit on what hangs, not a promise
multiprocess.PATIENCE = 300.0
