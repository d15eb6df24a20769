"""Assignments, from the source notebook to feedback: all of it runs outside the student's kernel."""
