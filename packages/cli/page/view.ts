/** A view of the page. */
export interface View {
  /** In the address, after `#`. */
  readonly name: string;
  readonly title: string;
  /** Builds the view once; called when it is shown first. */
  create(): ViewPart;
}

/** A view that was built. */
export interface ViewPart {
  readonly root: HTMLElement;
  /** Called each time that it is shown. */
  show?(): void;
}
