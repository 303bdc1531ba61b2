// What the page finds beside its own modules.
declare const uPlot: any;
