/** Whether a word is written in Hangul syllables. */
export function isHangul(word: string): boolean {
  return /^\p{Script=Hangul}+$/u.test(word);
}

/** Particles and endings that Korean writes without a space behind a noun, longest first within {@link endings}. */
const particles =
  "은 는 이 가 을 를 에 의 와 과 도 만 로 으로 에서 에게 에게서 께 께서 한테 한테서 까지 부터 처럼 보다 마다 조차 마저 밖에 이나 나 이며 며 이랑 랑 " +
  "하고 라도 이라도 라는 이라는 란 이란 들 이다 다 입니다 이었다 였다 이에요 예요 이라고 라고 으로서 로서 으로써 로써 에는 에도 에서는 에서도 으로는 로는 에게는";

/** Endings of verbs that are made of nouns, such as 공부하다. */
const verbEndings =
  "하다 한다 하는 하고 하여 해서 하면 하게 하기 할 한 해 했다 했던 했습니다 합니다 하세요 해요 했어요 하였다 하였습니다 하려면 하려고 " +
  "되다 된다 되는 되고 되어 돼서 되면 된 될 됐다 되었다 되었습니다 됩니다";

const endings = `${particles} ${verbEndings}`.split(" ").sort((a, b) => b.length - a.length);

/** Endings that may stand one behind the other: 학교에서부터는. */
const mostEndings = 3;

/**
 * The terms of a Korean word: as it stands, without its particles (학교에서는 gives 학교), and every two syllables in a row,
 * which find the parts of compound nouns.
 */
export function hangulTerms(word: string): ReadonlySet<string> {
  const terms = new Set([word]);
  let stem = word;
  for (let count = 0; count < mostEndings; count++) {
    const ending = endings.find((one) => stem.length > one.length && stem.endsWith(one));
    if (ending === undefined) break;
    stem = stem.slice(0, -ending.length);
    terms.add(stem);
  }
  for (let start = 0; start + 2 <= word.length; start++) terms.add(word.slice(start, start + 2));
  return terms;
}
