"""The FastAPI application that serves the system log, the audit trail and the job logs over HTTP.

Layers, top to bottom (a module imports only from rows below its own)::

    __main__      entry point; names the missing extra before anything heavy is imported
    cli           serve, demo, keys
    app           create_app(settings): middleware, routes, lifespan
    routes        one router per noun
    dependencies  what a route needs: the runtime, the caller, strict parameters
    services      what a non-HTTP caller could use as well
    security      keys, refusals, the authentication middleware
    db            the API's own SQL database
    models        bodies, parameters and replies
    errors        problem+json
    settings      ZOTIFY_* and zotify.toml

Importing this package has no side effect.
"""
