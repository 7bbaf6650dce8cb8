/** `pilos_post_publish.rb`, which BBB runs: our launcher, of any version, or PILOS' own script of the same name? */

/** True for the text of a launcher: the first one `exec`ed the executable beside it, later ones wait for it. */
export function isLauncher(text: string): boolean {
  return /^executable = File\.join\(.*'pilos-post-publish'\)$/m.test(text);
}
