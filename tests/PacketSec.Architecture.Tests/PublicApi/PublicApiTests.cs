using System.Reflection;
using PacketSec.Architecture.Tests.Repository;

namespace PacketSec.Architecture.Tests.PublicApi;

public class PublicApiTests
{
    [Theory]
    [InlineData("PacketSec.Crypto")]
    [InlineData("PacketSec.Noise")]
    [InlineData("PacketSec.Protocol")]
    [InlineData("PacketSec")]
    [InlineData("PacketSec.Libp2p")]
    public void The_public_surface_is_what_its_text_file_says(string assembly)
        => GeneratedText.AssertFile($"src/{assembly}/PublicApi.txt", ApiPrinter.Print(Assembly.Load(assembly)));

    [Fact]
    public void The_printer_shows_what_a_caller_must_know()
    {
        var lines = ApiPrinter.Print(typeof(IPrinterSpecimen).Assembly);
        var text = string.Join('\n', lines);

        Assert.Contains(
            """
            readonly ref struct PacketSec.Architecture.Tests.PublicApi.BorrowingSpecimen
                Span<byte> Bytes { get; }
            """.ReplaceLineEndings("\n"),
            text);
        Assert.Contains(
            """
            interface PacketSec.Architecture.Tests.PublicApi.IPrinterSpecimen
                int this[int index] { get; }
                string? Name { get; }
                event EventHandler? Changed
                static abstract T Make<T>(params byte[]?[] parts) where T : struct, allows ref struct
                bool TryRead(scoped ReadOnlySpan<byte> source, in Guid id, out int length, ref long total, string? note = null)
            """.ReplaceLineEndings("\n"),
            text);
        Assert.Contains(
            """
            sealed record PacketSec.Architecture.Tests.PublicApi.RecordSpecimen : IEquatable<RecordSpecimen>
                const int Limit = 7
                RecordSpecimen(int Value, IReadOnlyList<string?> Names)
                required TimeSpan? Delay { get; init; }
                IReadOnlyList<string?> Names { get; init; }
                int Value { get; init; }
                override string ToString()
            """.ReplaceLineEndings("\n"),
            text);
    }
}

public interface IPrinterSpecimen
{
    event EventHandler? Changed;

    string? Name { get; }

    int this[int index] { get; }

    static abstract T Make<T>(params byte[]?[] parts)
        where T : struct, allows ref struct;

    bool TryRead(scoped ReadOnlySpan<byte> source, in Guid id, out int length, ref long total, string? note = null);
}

public readonly ref struct BorrowingSpecimen
{
    public Span<byte> Bytes => default;
}

public sealed record RecordSpecimen(int Value, IReadOnlyList<string?> Names)
{
    public const int Limit = 7;

    public required TimeSpan? Delay { get; init; }

    public override string ToString() => "a specimen";
}
