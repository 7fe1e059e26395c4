/** Scripts whose words do not stand apart, for a character class with the flag `v` or `u`. */
export const unspaced =
  "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\u30fc\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}";

/** Code units that the segmenter is given at once: its time grows with the square of the length. */
export const windowLength = 320;

/** Code units before the end of a window in which a longer window might put other boundaries. */
const unsettled = 32;

/**
 * The words of the next window of a run, cut by the dictionaries of `Intl.Segmenter`. Window by window, each from the end
 * of the words before, gives the words of the whole run in time linear in its length.
 *
 * @param run the rest of a run; the first {@link windowLength} code units are looked at
 * @param emit takes a word
 * @returns where the words end
 */
export function segmentWindow(run: string, segmenter: Intl.Segmenter, emit: (word: string) => void): number {
  const window = run.slice(0, windowLength);
  const last = window.length === run.length;
  let end = 0;
  for (const { segment, index, isWordLike } of segmenter.segment(window)) {
    // A single word as long as the window is cut, too.
    if (!last && end > 0 && index + segment.length > windowLength - unsettled) break;
    if (isWordLike) emit(segment);
    end = index + segment.length;
  }
  return end;
}
