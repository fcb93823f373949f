namespace ReplicationEngine.Simulation.Planner.Reports;

/// <summary>
/// The style sheet of the HTML report. The colours are those of Okabe and Ito, which people with any colour vision can
/// tell apart. The states that matter most also differ by pattern.
/// </summary>
internal static class PageStyle
{
    public const string Css = """
        :root { color-scheme: light dark; --ink:#1c2733; --soft:#5b6875; --line:#d5dbe1; --paper:#ffffff;
          --panel:#f5f7f9; --blue:#0072b2; --orange:#d55e00; --sky:#56b4e9; --green:#009e73; --yellow:#e6ab02;
          --pink:#cc79a7; --grey:#9aa5b1; --ok:#bfe3d4; --target:#0072b2; }
        @media (prefers-color-scheme: dark) { :root { --ink:#e4e9ee; --soft:#9fadba; --line:#3a4652; --paper:#161b21;
          --panel:#1f262e; --blue:#4ba3dd; --orange:#f08a3c; --ok:#24584a; --grey:#76828e;
          --sky:#a5dbff; --target:#1f78c1; } }
        * { box-sizing:border-box; }
        body { margin:0; background:var(--paper); color:var(--ink);
          font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif; }
        main { max-width:1080px; margin:0 auto; padding:32px 24px 64px; }
        h1 { font-size:27px; line-height:1.25; margin:0 0 6px; letter-spacing:-.01em; }
        h2 { font-size:19px; margin:44px 0 10px; padding-top:14px; border-top:2px solid var(--line); }
        h3 { font-size:15px; margin:24px 0 4px; }
        p { margin:6px 0 10px; max-width:76ch; }
        .kind { color:var(--soft); font-size:13px; text-transform:uppercase; letter-spacing:.08em; margin:0 0 6px; }
        .facts { color:var(--soft); font-size:14px; }
        .lead { font-size:16.5px; }
        .answer { font-size:17px; font-weight:600; border-left:4px solid var(--blue); padding:4px 0 4px 14px;
          margin:16px 0; }
        .note { background:var(--panel); border-left:4px solid var(--yellow); padding:8px 14px; margin:8px 0;
          max-width:none; }
        .tiles { display:grid; grid-template-columns:repeat(auto-fit,minmax(150px,1fr)); gap:12px; margin:18px 0; }
        .tile { background:var(--panel); border:1px solid var(--line); border-radius:8px; padding:12px 14px; }
        .tile .value { font-size:22px; font-weight:650; line-height:1.2; font-variant-numeric:tabular-nums; }
        .tile .other { font-size:15px; font-weight:600; color:var(--orange); font-variant-numeric:tabular-nums; }
        .tile .name { font-size:13px; color:var(--soft); }
        ul.findings { padding-left:20px; max-width:80ch; } ul.findings li { margin:6px 0; }
        .wide { overflow-x:auto; }
        table { border-collapse:collapse; width:100%; font-size:13.5px; margin:8px 0 4px; }
        th { text-align:left; font-weight:600; color:var(--soft); border-bottom:2px solid var(--line);
          padding:5px 12px 5px 0; vertical-align:bottom; }
        td { border-bottom:1px solid var(--line); padding:5px 12px 5px 0; vertical-align:top;
          font-variant-numeric:tabular-nums; }
        td.short { white-space:nowrap; }
        dl { display:grid; grid-template-columns:minmax(160px,230px) 1fr; gap:4px 18px; font-size:14px; margin:8px 0; }
        dt { font-weight:600; } dd { margin:0; color:var(--soft); }
        svg { display:block; width:100%; height:auto; margin:4px 0 10px; }
        svg text { font:11.5px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif; fill:var(--soft); }
        svg text.name { fill:var(--ink); font-size:12px; }
        .plot { overflow-x:auto; } .plot svg { min-width:680px; }
        .axis { stroke:var(--line); stroke-width:1; } .grid { stroke:var(--line); stroke-width:1; opacity:.6; }
        .base { fill:none; stroke:var(--blue); stroke-width:1.8; } .area { fill:var(--blue); opacity:.12; }
        .variant { fill:none; stroke:var(--orange); stroke-width:1.8; stroke-dasharray:5 3; }
        .limit { stroke:var(--soft); stroke-width:1; stroke-dasharray:2 3; } .shade { fill:var(--grey); opacity:.22; }
        .s-Protected { fill:var(--ok); } .s-Behind { fill:var(--yellow); } .s-Disconnected { fill:var(--grey); }
        .s-Resync { fill:var(--sky); } .s-Unprotected { fill:var(--pink); } .s-AtTarget { fill:var(--target); }
        .s-Down { fill:var(--orange); } .outage { fill:var(--ink); opacity:.78; }
        .legend { display:flex; flex-wrap:wrap; gap:4px 18px; font-size:13px; color:var(--soft); margin:2px 0 8px; }
        .legend svg { width:16px; height:12px; display:inline-block; margin:0 5px 0 0; vertical-align:-1px; }
        footer { margin-top:48px; padding-top:12px; border-top:1px solid var(--line); color:var(--soft);
          font-size:13px; }
        @media print { :root { color-scheme:light; --ink:#111; --soft:#444; --line:#bbb; --paper:#fff; --panel:#fff;
          --ok:#bfe3d4; --blue:#0072b2; --orange:#d55e00; --grey:#9aa5b1; } main { padding:0; max-width:none; }
          .plot, .wide { overflow:visible; } .plot svg { min-width:0; }
          h2, h3, section > p { break-after:avoid; } svg, .plot, .tile, tr { break-inside:avoid; }
          * { print-color-adjust:exact; -webkit-print-color-adjust:exact; } }
        """;
}
