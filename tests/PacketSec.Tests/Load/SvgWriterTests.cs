using System.Xml.Linq;
using PacketSec.Cli.Plot;

namespace PacketSec.Tests.Load;

public class SvgWriterTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    [Fact]
    public void Texts_and_styles_come_back_as_they_were_given()
    {
        const string Hostile = """<a href="x" b='y'>&amp; ≥ 1</a>]]>""";
        var writer = new SvgWriter(100, 50, Hostile, Hostile);
        writer.Text(1, 2, Hostile, Hostile);
        writer.UprightText(1, 2, Hostile);
        var root = XDocument.Parse(writer.End()).Root!;

        Assert.Equal(Hostile, root.Element(Svg + "title")!.Value);
        Assert.Equal(Hostile, root.Element(Svg + "desc")!.Value);
        Assert.Equal([Hostile, Hostile, Hostile], root.Elements(Svg + "text").Select(text => text.Value));
        Assert.Contains(root.Elements(Svg + "text"), text => text.Attribute("class")?.Value == Hostile);
    }

    [Theory]
    [InlineData("\u0001")]
    [InlineData("\u001F")]
    [InlineData("\uFFFF")]
    public void What_may_not_be_in_xml_is_replaced(string text) => Assert.Equal("\uFFFD", SvgWriter.Escape(text));

    [Theory]
    [InlineData(0, "0")]
    [InlineData(-0.04, "0")]
    [InlineData(0.04, "0")]
    [InlineData(0.05, "0.1")]
    [InlineData(12.25, "12.3")]
    [InlineData(-12.25, "-12.3")]
    [InlineData(1234.5, "1234.5")]
    public void Coordinates_have_one_decimal_at_most(double value, string text) => Assert.Equal(text, SvgWriter.Coordinate(value));

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void What_is_no_place_is_refused(double value) => Assert.Throws<ArgumentException>(() => SvgWriter.Coordinate(value));

    [Fact]
    public void Lines_end_the_same_everywhere() => Assert.DoesNotContain('\r', new SvgWriter(1, 1, "a", "b").End());
}
