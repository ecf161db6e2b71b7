// SPDX-License-Identifier: Apache-2.0

extension PlanReport {
  /// The page's style: one column, light or dark as the reader's system is, light on paper.
  static let style: Markup = """
    :root { color-scheme: light dark; --ink: #1b1f24; --soft: #59636e; --page: #fff; --line: #d1d9e0;
      --panel: #f6f8fa; --warn: #9a6700; --warn-page: #fff8c5; --int8: #54a3e8; --int16: #9a7fe0;
      --result: #4db380; --picture: #e8a33d; --scratch: #aab4be; --bound: #cf222e; }
    @media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9aa5b1; --page: #0d1117;
      --line: #343c46; --panel: #161b22; --warn: #e3b341; --warn-page: #2b2410; --int8: #2f6fb0;
      --int16: #6a50b5; --result: #2c7a53; --picture: #a86f1b; --scratch: #4a535e; --bound: #ff7b72; } }
    * { box-sizing: border-box; }
    body { margin: 0 auto; max-width: 80rem; padding: 1rem; background: var(--page); color: var(--ink);
      font: 15px/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
    h1 { font-size: 1.6rem; line-height: 1.25; margin: .5rem 0 0; }
    h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; }
    p { margin: .4rem 0; }
    .note { color: var(--soft); }
    .wide { overflow-x: auto; }
    table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .4rem 0; }
    th, td { text-align: left; padding: .2rem .6rem; border-bottom: 1px solid var(--line);
      vertical-align: top; }
    th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
    td.number, th.number { text-align: right; white-space: nowrap; }
    #cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(11.5rem, 1fr)); gap: .6rem;
      margin: 1rem 0; }
    #cards div { background: var(--panel); border: 1px solid var(--line); border-radius: 6px;
      padding: .6rem .8rem; }
    #cards dt { color: var(--soft); font-size: .85rem; }
    #cards dd { margin: 0; font-size: 1.1rem; font-weight: 600; }
    #cards dd.note { font-size: .85rem; font-weight: 400; }
    #warnings { background: var(--warn-page); border-left: 4px solid var(--warn); margin: 1rem 0;
      padding: .6rem .6rem .6rem 2rem; }
    #differences { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .8rem; }
    #differences.pairs { grid-template-columns: repeat(auto-fill, minmax(min(100%, 27rem), 1fr)); }
    figure { margin: 0; padding: .6rem; background: var(--panel); border: 1px solid var(--line);
      border-radius: 6px; break-inside: avoid; }
    figure .pictures { display: flex; gap: .5rem; }
    figure .pictures div { flex: 1; min-width: 0; }
    figure img { display: block; width: 100%; height: auto; max-height: 16rem; object-fit: contain; }
    figure img.small { image-rendering: pixelated; }
    figure table { width: 100%; font-size: .9rem; }
    figcaption { font-size: .85rem; color: var(--soft); margin-top: .3rem; }
    #arena { width: 100%; height: auto; display: block; }
    #arena rect { stroke: var(--page); stroke-width: 1; }
    #arena rect.floor { fill: var(--panel); stroke: var(--line); }
    #arena .int8, .key .int8 { fill: var(--int8); background: var(--int8); }
    #arena .int16, .key .int16 { fill: var(--int16); background: var(--int16); }
    #arena .result, .key .result { fill: var(--result); background: var(--result); }
    #arena .picture, .key .picture { fill: var(--picture); background: var(--picture); }
    #arena .scratch, .key .scratch { fill: var(--scratch); background: var(--scratch); }
    #arena line.bound { stroke: var(--bound); stroke-width: 2; stroke-dasharray: 6 4; }
    #arena text { font: 12px system-ui, sans-serif; }
    #arena text.bound { fill: var(--bound); }
    #arena text.mark { fill: var(--soft); }
    #arena rect:hover { opacity: .7; }
    .key span { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 .9em; }
    #steps { font-size: .87rem; }
    #steps th, #steps td { padding: .15rem .45rem; }
    #steps td:first-child, #steps th:first-child { text-align: right; }
    #confusion td.right { font-weight: 700; }
    #confusion td.zero { color: var(--line); }
    dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 0; }
    dl.facts dt { color: var(--soft); }
    dl.facts dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
    @media (max-width: 40rem) { dl.facts { grid-template-columns: 1fr; } dl.facts dd { margin-bottom: .4rem; } }
    @media print { :root { font-size: 11px; color-scheme: light; --ink: #000; --soft: #444; --page: #fff; --line: #bbb;
      --panel: #fff; --warn: #9a6700; --warn-page: #fff; --int8: #54a3e8; --int16: #9a7fe0;
      --result: #4db380; --picture: #e8a33d; --scratch: #aab4be; --bound: #cf222e; }
      body { max-width: none; padding: 0; font-size: 10px; print-color-adjust: exact;
        -webkit-print-color-adjust: exact; }
      .wide { overflow: visible; } #arena { min-width: 0 !important; } h2 { break-after: avoid; }
      tr { break-inside: avoid; } th, td { padding: .1rem .3rem; } }
    """
}
