"""What the routes do, usable without HTTP: configuration, jobs, the library scan, log reading."""
