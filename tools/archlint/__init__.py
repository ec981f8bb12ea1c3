"""The architectural linter: holds documents, code, tests and the running application together.

``python -m tools.archlint`` from the root of the repository; ``--explain all`` shows every code
with a bad and a good example, and the formats of the pages. Its settings are ``[tool.archlint]`` in
pyproject.toml.
"""
