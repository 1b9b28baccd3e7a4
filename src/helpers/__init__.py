"""What the notebooks share: data, statistics, charts, results, and the making of the report."""

import sys

# nbformat brings jsonschema, which would take over a second to learn a grammar of addresses that no notebook holds; it
# goes without where there is none
sys.modules.setdefault("rfc3987_syntax", None)
