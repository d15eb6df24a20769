"""The package under a course on convolutional networks. Importing it imports nothing heavy."""

__version__ = "0.1.0"
