"""Scripts that run in a process of their own, where the tree's code may do what it likes.

Each takes one JSON document as its argument and writes another one to the path that it names.
"""
