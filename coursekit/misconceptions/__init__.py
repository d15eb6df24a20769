"""What people compute when they have half understood: wrong on purpose, one module a chapter.

Predictions show the outputs of these functions as choices, and drills compare an answer with them, so that a wrong one
can say which thought led to it. The first line of each docstring says it to the reader.
"""
