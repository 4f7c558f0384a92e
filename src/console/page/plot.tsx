// Hits over time, enforced against monitored, with uPlot. It follows the colours of the page; whoever cannot see it has the numbers
// in the label and in the table beneath.

import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';

export interface PlotParts {
  /** Seconds since 1970, one for each slot. */
  readonly times: readonly number[];
  readonly enforced: readonly number[];
  readonly monitored: readonly number[];
  readonly label: string;
}

export function Plot({ times, enforced, monitored, label }: PlotParts) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const data: uPlot.AlignedData = [[...times], [...enforced], [...monitored]];

  useEffect(() => {
    const folder = place.current;
    if (folder === null) return undefined;
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(options(folder), data, folder);
    };
    draw();
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const sized = new ResizeObserver(() => plot.current?.setSize(sizeOf(folder)));
    dark.addEventListener('change', draw);
    sized.observe(folder);
    return () => {
      dark.removeEventListener('change', draw);
      sized.disconnect();
      plot.current?.destroy();
    };
  }, []);
  useEffect(() => plot.current?.setData(data), [times, enforced, monitored]);

  return <div class="plot" ref={place} role="img" aria-label={label} />;
}

function clock(seconds: number): string {
  return new Date(seconds * 1000).toTimeString().slice(0, 5);
}

function sizeOf(folder: HTMLElement): { width: number; height: number } {
  const { paddingLeft, paddingRight } = getComputedStyle(folder);
  const inner = folder.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight);
  return { width: Math.max(200, Math.floor(inner)), height: 180 };
}

function options(folder: HTMLElement): uPlot.Options {
  const colour = (name: string): string => resolved(folder, name);
  const axis: uPlot.Axis = {
    stroke: colour('--dim'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1, size: 4 },
    font: '12px system-ui, sans-serif',
  };
  const bars = uPlot.paths.bars?.({ size: [0.8, 12], align: 1 });
  return {
    ...sizeOf(folder),
    legend: { show: true, live: true },
    cursor: { drag: { x: false, y: false }, points: { show: false } },
    scales: { x: { time: true }, y: { range: (_, __, most) => [0, Math.max(4, Math.ceil(most * 1.1))] } },
    axes: [
      { ...axis, space: 70, values: (_, splits) => splits.map(clock) },
      { ...axis, size: 44, space: 36, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 5e3, 1e4, 1e5] },
    ],
    series: [
      { label: 'time', value: '{HH}:{mm}:{ss}' },
      {
        label: 'enforced',
        fill: colour('--accent'),
        stroke: colour('--accent'),
        width: 0,
        ...(bars ? { paths: bars } : {}),
        points: { show: false },
      },
      { label: 'monitored', stroke: colour('--tag'), width: 2, dash: [5, 4], points: { show: false } },
    ],
  };
}

/** A canvas knows no variables and no light-dark(): what they come to, the system's choice made. */
function resolved(folder: HTMLElement, name: string): string {
  const before = folder.style.color;
  folder.style.color = `var(${name})`;
  const { color } = getComputedStyle(folder);
  folder.style.color = before;
  return color;
}
