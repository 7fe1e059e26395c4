/** Where each hit of a list stands, by id. */
export function placesOf(list: HTMLElement): Map<string, number> {
  const cards = [...list.querySelectorAll<HTMLElement>("[data-id]")];
  return new Map(cards.map((card) => [card.dataset.id ?? "", card.getBoundingClientRect().top]));
}

/** Lets hits glide from where they stood, unless a person asked for less motion. */
export function moveFrom(list: HTMLElement, places: ReadonlyMap<string, number>): void {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const card of list.querySelectorAll<HTMLElement>("[data-id]")) {
    const before = places.get(card.dataset.id ?? "");
    const distance = before === undefined ? 0 : before - card.getBoundingClientRect().top;
    if (distance === 0) continue;
    card.animate([{ transform: `translateY(${distance}px)` }, { transform: "none" }], {
      duration: 240,
      easing: "ease-out",
    });
  }
}
