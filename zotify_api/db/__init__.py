"""The API's own SQL database: keys, configuration, tracks, jobs; bound parameters only."""
