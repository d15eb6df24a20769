"""Recipes: training runs by name, with all choices made. `coursekit.train` offers what is public of them.

The package is not called `recipes`, because `coursekit.train.recipes` is the function that lists them.
"""
