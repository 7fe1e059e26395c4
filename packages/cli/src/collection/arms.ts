/** Arms that an index can have. */
export const armNames = ["sparse", "keyword", "dense"] as const;

export type ArmName = (typeof armNames)[number];
