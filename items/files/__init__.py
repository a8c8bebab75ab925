"""Files of item sales as people have them: what kind they are, where their columns are, what their cells say.

Nothing here knows Django. What cannot be read raises `BadFile`, what a single row lacks is a `Refusal`; both carry a
code and parameters, the sentence is made above.
"""
