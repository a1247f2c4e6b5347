"""How forms look on both sites: Django's own rendering, with the stylesheet's classes."""

from typing import Any

from django.forms.renderers import TemplatesSetting

CLASSES = {
    "checkbox": "form-check-input",
    "radio": "form-check-input",
    "select": "form-select",
    "hidden": "",
}


class TablerForms(TemplatesSetting):
    """Adds a class to each widget and lays a field out as label, widget, help, errors."""

    form_template_name = "web/form.html"
    field_template_name = "web/field.html"

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> str:
        widget = context.get("widget")
        if widget:
            kind = widget.get("type") or ("select" if template_name.endswith("select.html") else "text")
            own = widget["attrs"].get("class", "")
            widget["attrs"]["class"] = f"{CLASSES.get(kind, 'form-control')} {own}".strip()
        return str(super().render(template_name, context, request))
