"""Copies of the modules that items' functions lie in, under names that are drawn at each start.

`run` is for any function. One that lies in a module of a known name, or is called as it was in another grading, can be
told from all others; so batches are given functions from copies, whose names say nothing. The copies lie in a folder
that is put on the path, so that a spawned process imports them as it would a user's.
"""

import ast
import importlib
import keyword
import secrets
import string
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

LETTERS_LEAST, LETTERS_MOST = 6, 12


def drawn(folder, modules):
    """Copy modules of `folder`, each with the names of its functions that get new ones: give the copies, by old names.

    The answer is [module by its name, function by its name].
    """
    words = _words()
    module_names = {module: next(words) for module in modules}
    function_names = {function: next(words) for functions in modules.values() for function in functions}
    place = Path(tempfile.mkdtemp())
    for module, name in module_names.items():
        source = (Path(folder) / f"{module}.py").read_text("utf-8")
        (place / f"{name}.py").write_text(renamed(source, module_names, function_names), "utf-8")
    sys.path.insert(0, str(place))  # spawned processes are given this path
    importlib.invalidate_caches()
    copies = {module: importlib.import_module(name) for module, name in module_names.items()}
    return copies, {
        function: getattr(copies[module], function_names[function])
        for module, functions in modules.items()
        for function in functions
    }


def renamed(source, modules, functions):
    """Give a module's source with other names for `functions` and for its siblings, and without its docstrings."""
    tree = _Renaming(modules, functions).visit(ast.parse(source))
    return ast.unparse(ast.fix_missing_locations(tree))


class _Renaming(ast.NodeTransformer):
    def __init__(self, modules, functions):
        self._modules = modules
        self._functions = functions

    def visit_Module(self, node):
        return self._undocumented(node)

    def visit_ClassDef(self, node):
        return self._undocumented(node)

    def visit_FunctionDef(self, node):
        node.name = self._functions.get(node.name, node.name)
        return self._undocumented(node)

    def visit_Name(self, node):
        node.id = self._functions.get(node.id, node.id)
        return node

    def visit_ImportFrom(self, node):
        if node.level:
            node.level, node.module = 0, self._modules[node.module]
            for each in node.names:
                each.name = self._functions.get(each.name, each.name)
        return node

    def _undocumented(self, node):
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)


def _words():
    """Draw words of which none is a module's name, a keyword, or drawn already."""
    drawn_already = set()
    while True:
        length = LETTERS_LEAST + secrets.randbelow(LETTERS_MOST - LETTERS_LEAST + 1)
        word = "".join(secrets.choice(string.ascii_lowercase) for _ in range(length))
        if word not in drawn_already and not keyword.iskeyword(word) and find_spec(word) is None:
            drawn_already.add(word)
            yield word
