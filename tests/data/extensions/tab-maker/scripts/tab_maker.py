"""Idiom: a tab of its own as a `gr.Blocks`, events that reach into the page, a route, an option; in Gradio 3's dialect."""

import gradio as gr

from modules import script_callbacks, shared, ui
from modules.ui_components import ToolButton

found = {}


def remember(component, **kwargs):
    if kwargs.get("elem_id") in ("img2img_prompt", "txt2img_prompt", "img2img_generate"):
        found[kwargs["elem_id"]] = component


def on_ui_tabs():
    with gr.Blocks(analytics_enabled=False, css=".nothing {}") as interface:
        with gr.Row().style(equal_height=True):
            words = gr.Textbox(label="Words", elem_id="tab_maker_words")
            count = gr.Slider(1, 9, 3, step=1, label="Count", elem_id="tab_maker_count")
            kind = gr.Dropdown(choices=["Plain", "Loud"], label="Kind", elem_id="tab_maker_kind")
        with gr.Box():
            said = gr.HTML(elem_id="tab_maker_said")
            picture = gr.Image(source="upload", type="pil", label="Picture", elem_id="tab_maker_picture", tool="editor")
        with gr.Row():
            say = gr.Button("Say", variant="primary", elem_id="tab_maker_say")
            send = ToolButton("\u2197", elem_id="tab_maker_send")
            ask = gr.Button("Ask the browser", elem_id="tab_maker_ask")
        sent = gr.Textbox(visible=False, elem_id="tab_maker_sent")
        deliver = gr.Button(visible=False, elem_id="tab_maker_deliver")
        deliver.click(fn=lambda text: text, inputs=[sent], outputs=[ui.img2img_paste_fields[1][0]])
        start = gr.Button("Start", elem_id="tab_maker_start")
        start.click(fn=lambda task, number: f"<p>{task[:5]} {number}</p>", _js="tabMakerStart", inputs=[kind, count], outputs=[said])
        remembered = gr.State([])

        def speak(text, number, how, before):
            before.append(text)
            loud = text.upper() if how == "Loud" else text
            return (
                f"<p>{' '.join([loud] * int(number))}: {len(before)} ({type(how).__name__})</p>",
                gr.Dropdown.update(value="Loud"),
                before,
            )

        say.click(fn=speak, inputs=[words, count, kind, remembered], outputs=[said, kind, remembered], show_progress=False)
        send.click(fn=lambda text: text, inputs=[words], outputs=[found["img2img_prompt"]]).then(fn=None, _js="switch_to_img2img")
        send.click(fn=lambda text: text, inputs=[words], outputs=[found["txt2img_prompt"]])
        ask.click(fn=lambda text: f"<p>{text}</p>", _js="tabMakerAsk", inputs=[words], outputs=[said])
        interface.load(fn=lambda: "from the server", inputs=[], outputs=[words], queue=False)
    return [(interface, "Tab maker", "tab_maker")]


def add_route(demo, app):
    @app.get("/tab-maker/hello")
    def hello():
        return {"hello": shared.opts.tab_maker_greeting, "has_page": demo is not None}


def add_option():
    section = ("tab_maker", "Tab maker")
    shared.opts.add_option("tab_maker_greeting", shared.OptionInfo("good day", "Greeting", section=section))


script_callbacks.on_after_component(remember)
script_callbacks.on_ui_tabs(on_ui_tabs)
script_callbacks.on_app_started(add_route)
script_callbacks.on_ui_settings(add_option)
