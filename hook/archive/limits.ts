/** What PharData, with which PILOS unpacks, can take. */

/**
 * PHP's PharData refuses a whole archive in which one file is larger: `invalid entry size`. Measured with PHP 8.2.36;
 * 8.2.32 takes it, and loses all that stands behind such a file without an error.
 */
export const largestFile = 4_294_966_784;
/** PharData stops unpacking at a path over 4095 bytes, of which PILOS' own directory takes some. */
export const longestName = 3900;
