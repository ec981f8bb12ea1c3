"""The application: middleware, routes, problems and lifespan put together."""

from zotify_api.app.factory import create_app

__all__ = ["create_app"]
