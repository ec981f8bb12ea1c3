"""What only the project itself runs: the architectural linter and the check of the distribution."""
