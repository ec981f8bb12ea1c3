"""What a route needs before its own code runs: runtime, the caller's scope, strict parameters."""
