<?php

/*
 * A directory of PILOS as Flysystem 3 shows it to Laravel: the few calls that an import makes. Debian has only
 * version 1, which behaves differently.
 */

final class Disk
{
    public function __construct(private string $root)
    {
        is_dir($root) || mkdir($root, 0777, true);
    }

    public function path(string $path): string
    {
        return "$this->root/$path";
    }

    public function exists(string $path): bool
    {
        clearstatcache();

        return file_exists($this->path(self::normalize($path)));
    }

    /** Names of the files at the top of a directory, sorted; none when it does not exist. */
    public function files(string $directory): array
    {
        $names = is_dir($this->path($directory)) ? scandir($this->path($directory)) : [];

        return array_values(array_filter($names, fn ($name) => is_file($this->path("$directory/$name"))));
    }

    /** Paths of all files below a directory, sorted. */
    public function allFiles(string $directory): array
    {
        if (! is_dir($this->path($directory))) {
            return [];
        }
        $entries = new RecursiveDirectoryIterator($this->path($directory), FilesystemIterator::SKIP_DOTS);
        $files = [];
        foreach (new RecursiveIteratorIterator($entries) as $path => $entry) {
            $files[] = substr($path, strlen($this->root) + 1);
        }
        sort($files);

        return $files;
    }

    /** Nothing when it is not there, as when its directory was moved away with another metadata.xml in it. */
    public function read(string $path): string
    {
        $file = $this->path(self::normalize($path));

        return is_file($file) ? file_get_contents($file) : '';
    }

    /** Makes missing parents with mode 0700, Laravel's default. False when the rename fails, which nobody looks at. */
    public function move(string $from, string $to): bool
    {
        [$source, $target] = [$this->path(self::normalize($from)), $this->path(self::normalize($to))];
        // Another worker may have made it in this moment.
        if (! is_dir(dirname($target)) && ! @mkdir(dirname($target), 0700, true)) {
            clearstatcache();
            is_dir(dirname($target)) || throw new RuntimeException('cannot make ' . dirname($target));
        }

        return @rename($source, $target);
    }

    public function delete(string $path): bool
    {
        clearstatcache();
        $file = $this->path(self::normalize($path));

        return ! file_exists($file) || @unlink($file);
    }

    public function deleteDirectory(string $path): void
    {
        $directory = $this->path(self::normalize($path));
        if (! is_dir($directory)) {
            return;
        }
        $entries = new RecursiveDirectoryIterator($directory, FilesystemIterator::SKIP_DOTS);
        foreach (new RecursiveIteratorIterator($entries, RecursiveIteratorIterator::CHILD_FIRST) as $entry) {
            $entry->isDir() && ! $entry->isLink() ? rmdir($entry->getPathname()) : unlink($entry->getPathname());
        }
        rmdir($directory);
    }

    /** Control characters, line breaks among them, and a way out of the root are exceptions; spaces are not. */
    public static function normalize(string $path): string
    {
        if (preg_match('/\p{C}/u', $path) !== 0) {
            throw new RuntimeException("corrupted path: $path");
        }
        $parts = [];
        foreach (explode('/', strtr($path, '\\', '/')) as $part) {
            if ($part === '..' && $parts === []) {
                throw new RuntimeException("path traversal: $path");
            }
            if ($part === '..') {
                array_pop($parts);
            } elseif ($part !== '' && $part !== '.') {
                $parts[] = $part;
            }
        }

        return implode('/', $parts);
    }
}
