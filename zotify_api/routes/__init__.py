"""HTTP to one call of a service and back; one router per noun."""
