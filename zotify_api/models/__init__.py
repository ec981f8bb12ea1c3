"""Bodies, parameters and replies as pydantic models; unknown fields are refused everywhere."""
