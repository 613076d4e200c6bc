"""fits.py - is a document of --json what its schema says?

usage: python3 fits.py VERB DOCUMENT	(vm-list: doc/schema/vm-list.json)

Prints what is wrong with either; exit 1 then.
"""
import json
import pathlib
import sys

from jsonschema import Draft202012Validator as Validator

top = pathlib.Path(__file__).resolve().parent.parent
schema = json.loads((top / f"doc/schema/{sys.argv[1]}.json").read_text())
Validator.check_schema(schema)
with open(sys.argv[2]) as document:
    wrong = list(Validator(schema).iter_errors(json.load(document)))
for error in wrong[:5]:
    print("/".join(map(str, error.path)), error.message)
sys.exit(bool(wrong))
