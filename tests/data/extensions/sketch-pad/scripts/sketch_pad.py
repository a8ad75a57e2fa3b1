"""Idiom: a picture to paint a mask on, as Gradio 3 had it, whose value is a dictionary of two pictures."""

import gradio as gr
import numpy as np

from modules import script_callbacks


def count(value):
    if value is None:
        return "nothing"
    return f"{value['image'].size} {value['image'].mode} {int((np.array(value['mask']) > 127).all(axis=2).sum() > 0)} {value['mask'].size}"


def on_ui_tabs():
    with gr.Blocks() as interface:
        pad = gr.Image(source="upload", tool="sketch", type="pil", label="Pad", elem_id="sketch_pad", brush_radius=40)
        with gr.Row():
            look = gr.Button("Look", elem_id="sketch_pad_look")
            fill = gr.Button("Fill", elem_id="sketch_pad_fill")
        said = gr.Textbox(label="Said", elem_id="sketch_pad_said")
        look.click(fn=count, inputs=pad, outputs=said)
        fill.click(fn=lambda: np.full((48, 64, 3), 200, np.uint8), inputs=[], outputs=[pad])
    return [(interface, "Sketch pad", "sketch_pad")]


script_callbacks.on_ui_tabs(on_ui_tabs)
