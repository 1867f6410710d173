"""Stages of a recipe: the only place that joins the layers."""
