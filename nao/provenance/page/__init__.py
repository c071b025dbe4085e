"""Self-contained pages: of one results tree, and of what differs between two.

They open from disk: pictures, style and script are inside, and their policy forbids any
connection. What records and tables say enters as text only, never as markup or code.
"""

from nao.provenance.page.comparison import write_comparison
from nao.provenance.page.document import LARGEST, PageError
from nao.provenance.page.results import write_page

__all__ = ["LARGEST", "PageError", "write_comparison", "write_page"]
