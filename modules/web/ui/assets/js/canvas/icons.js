/** Drawings of the canvas's own buttons, 24 x 24, strokes only. */

export const ICONS = {
  undo: '<path d="M4 9h10a6 6 0 0 1 0 12H8"/><path d="m8 5-4 4 4 4"/>',
  redo: '<path d="M20 9H10a6 6 0 0 0 0 12h6"/><path d="m16 5 4 4-4 4"/>',
  clear: '<path d="M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.500 11v5M13.500 11v5"/>',
  invert: '<circle cx="12" cy="12" r="8"/><path d="M12 4a8 8 0 0 1 0 16z" fill="currentColor"/>',
  overlay: '<path d="M2.500 12C5 7.500 8.300 5.500 12 5.500s7 2 9.500 6.500c-2.500 4.500-5.800 6.500-9.500 6.500S5 16.500 2.500 12z"/><circle cx="12" cy="12" r="3"/>',
  solo: '<rect x="4" y="4" width="16" height="16" fill="currentColor"/><circle cx="12" cy="12" r="4.500" fill="var(--block-background-fill, #fff)"/>',
  hidden: '<path d="M4 4l16 16M6 7.500C4.600 8.600 3.500 10.100 2.500 12c2.500 4.500 5.800 6.500 9.500 6.500 1.700 0 3.300-.4 4.700-1.200M10 5.700c.6-.1 1.300-.2 2-.2 3.700 0 7 2 9.500 6.500-.6 1.100-1.300 2.100-2.100 2.900"/>',
  fit: '<path d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5"/><rect x="8.500" y="9" width="7" height="6"/>',
  fullScreen: '<path d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5M4 4l5.500 5.500M20 4l-5.500 5.500M4 20l5.500-5.500M20 20l-5.500-5.500"/>',
  open: '<path d="M3 19V6h6l2 2.500h9V11M3 19l3-8h16l-3 8z"/>',
  close: '<path d="m6 6 12 12M18 6 6 18"/>',
  loadMask: '<path d="M4 15v5h16v-5M12 15V4M8 8l4-4 4 4"/>',
  saveMask: '<path d="M4 15v5h16v-5M12 4v11M8 11l4 4 4-4"/>',
  copy: '<rect x="9" y="9" width="11" height="11" rx="2"/><path d="M5 15V6a2 2 0 0 1 2-2h8"/>',
  paste: '<path d="M9 5H6v15h12V5h-3"/><rect x="9" y="3" width="6" height="4" rx="1"/><path d="M12 10v6M9.500 13.500 12 16l2.500-2.500"/>',
  help: '<circle cx="12" cy="12" r="9"/><path d="M9.500 9.500a2.500 2.500 0 1 1 3.500 2.300c-.7.300-1 .8-1 1.700M12 16.500v.5"/>',
  colours: '<circle cx="9" cy="9" r="5"/><circle cx="15" cy="9" r="5"/><circle cx="12" cy="14.500" r="5"/>',
  picture: '<rect x="3" y="5" width="18" height="14" rx="2"/><circle cx="8.500" cy="10" r="1.600"/><path d="m5 18 5.500-5.500 3.500 3.500 2.500-2.500L20 17"/>',
};
