"""The handlers: each turns a record into its engine's call and nothing more."""
