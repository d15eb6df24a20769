"""The course as one whole: chapters, assignments and guides as pages that a browser opens without a network."""
