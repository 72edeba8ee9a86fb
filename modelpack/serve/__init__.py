"""Staying beside a project while people work on it: watch and the development server."""
