declare module "snowball-stemmers";
