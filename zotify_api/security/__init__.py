"""Who may do what: keys and scopes, the authentication middleware, refusals and their limits."""
