"""Documents of layers as other programs know them: PNG, folders and ZIP, PSD, OpenRaster, PPTX; and back."""
