"""What HTTP asks of every route, whatever it serves."""
