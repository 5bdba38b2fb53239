"""How a report looks: blocks and figures as a page, a PDF, SVG."""
