<?php

/* PILOS' database: a JSON file that several processes change. */

final class Database
{
    private const EMPTY = ['knowsEveryMeeting' => false, 'meetings' => [], 'recordings' => [], 'jobs' => []];

    public function __construct(private string $file)
    {
    }

    public function read(): array
    {
        return $this->change(fn (array &$content) => $content);
    }

    /** Nobody else reads or writes while `$change` is given the content, by reference; returns what it returns. */
    public function change(callable $change): mixed
    {
        $lock = fopen("$this->file.lock", 'c');
        flock($lock, LOCK_EX);
        $before = is_file($this->file) ? file_get_contents($this->file) : '';
        $content = $before === '' ? self::EMPTY : json_decode($before, true, flags: JSON_THROW_ON_ERROR);
        $returned = $change($content);
        $after = self::encode($content);
        if ($after !== $before) {
            // Whoever reads it without the lock finds it whole.
            file_put_contents("$this->file.new", $after);
            rename("$this->file.new", $this->file);
        }
        fclose($lock);

        return $returned;
    }

    public function knowsMeeting(string $meetingId): bool
    {
        $content = $this->read();
        $isUsable = $meetingId !== '' && trim($meetingId) === $meetingId;

        return $isUsable && ($content['knowsEveryMeeting'] || in_array($meetingId, $content['meetings'], true));
    }

    private static function encode(array $content): string
    {
        foreach ($content['recordings'] as &$recording) {
            $recording['formats'] = (object) $recording['formats'];
        }
        $content['recordings'] = (object) $content['recordings'];
        $content['jobs'] = (object) $content['jobs'];

        return json_encode($content, JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_PRETTY_PRINT);
    }
}
